/** `sallyport/secrets`: the tenant's secrets, by name. */
import { secretOf } from 'sallyport:host';

/** @throws where there is no such secret, or this hook may not read it. */
export function secret(name: string): string {
  return secretOf(String(name));
}

/** A failure of the store with a stable code; `hint` says what the operator can do about it. */
export type StoreErrorCode = 'store-unconfigured' | 'store-locked' | 'store-unavailable' | 'store-closed' | 'conflict';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly hint?: string;

  constructor(code: StoreErrorCode, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.code = code;
    if (hint !== undefined) this.hint = hint;
  }
}

/** SQLSTATE 23505 (PostgreSQL appendix A): another row holds the same unique value. */
export function isUniqueViolation(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '23505';
}

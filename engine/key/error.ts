/** A failure of the keyring with a stable code; `hint` says what the operator can do about it. */
export type KeyErrorCode =
  | 'key-not-private'
  | 'key-too-small'
  | 'key-unsupported'
  | 'key-reused-id'
  | 'key-missing'
  | 'key-configured'
  | 'master-key-wrong'
  | 'master-key-malformed';

export class KeyError extends Error {
  readonly code: KeyErrorCode;
  readonly hint?: string;

  constructor(code: KeyErrorCode, message: string, hint?: string) {
    super(message);
    this.name = 'KeyError';
    this.code = code;
    if (hint !== undefined) this.hint = hint;
  }
}

/** The `code` of the error that a promise rejects with; undefined when it resolves or the error has none. */
export async function rejectionCode(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

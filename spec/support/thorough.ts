/** Whether everything is tried as often and in as many ways as it can be, which takes minutes. */
export const isThorough = process.env['SALLYPORT_SPEC_THOROUGH'] !== undefined;

/** For suites that ask little of the database; the store's own and those of crashes and flows run on both. */
export const someDatabase: readonly ('PGlite' | 'PostgreSQL')[] = isThorough
  ? ['PGlite', 'PostgreSQL']
  : ['PostgreSQL'];

/** What the main thread and the worker that runs PGlite say to each other. */
export interface QueryMessage {
  readonly id: number;
  readonly type: 'query';
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface CloseMessage {
  readonly id: number;
  readonly type: 'close';
}

export type WorkerRequest = QueryMessage | CloseMessage;

/** The shape of a `pg` result, as far as knex reads it. */
export interface QueryResult {
  readonly command: string;
  readonly rowCount: number;
  readonly rows: readonly unknown[];
}

export interface DatabaseFault {
  readonly message: string;
  readonly code?: string;
  readonly detail?: string;
  readonly constraint?: string;
}

export type WorkerReply =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly fault: DatabaseFault }
  | { readonly type: 'result'; readonly id: number; readonly result: QueryResult }
  | { readonly type: 'fault'; readonly id: number; readonly fault: DatabaseFault };

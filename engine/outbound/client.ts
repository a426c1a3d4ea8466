/** The one way out: every request the engine makes to another host passes this client (DESIGN section 16, item 9). */
export interface OutboundRequest {
  readonly url: string;
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMilliseconds?: number;
  readonly maximumBytes?: number;
  /** Hosts (`host` or `host:port`) allowed; absent means any public host. */
  readonly allow?: readonly string[];
  /** Lifts the guard against private addresses for hosts named in `allow`. */
  readonly allowPrivate?: boolean;
  /** Whose connections are used: each tenant's scripts keep their own alive. */
  readonly pool?: string;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type OutboundResult =
  | { readonly ok: true; readonly response: OutboundResponse }
  | {
      readonly ok: false;
      readonly code: 'blocked' | 'timeout' | 'too-large' | 'unreachable' | 'malformed';
      readonly message: string;
    };

export interface OutboundClient {
  request(request: OutboundRequest): Promise<OutboundResult>;
  close(): Promise<void>;
}

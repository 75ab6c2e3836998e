/** Who asks: requests of one client look alike in all of this but, maybe, the connection. */
export interface RequestOrigin {
  readonly address: string;
  /** The User-Agent header. */
  readonly agent: string;
  /** The TCP connection, as an identity. */
  readonly connection: object;
}

/** How long after the first file of a pair a client may ask for the second, in milliseconds. */
const pairTimeoutMs = 10_000;

/** libdnf and its kin take a signature file of which one signature is good, and ask in this order. */
const acceptsAnyOfSeveral = /dnf|librepo|yum/i;

/** libzypp asks for the signature first. */
const asksSignatureFirst = /zypp/i;

interface Serving {
  readonly generation: string;
  readonly connection: object;
  readonly timeMs: number;
}

interface ClientHistory {
  servings: Serving[];
  /** How many of the servings have had their second request. */
  answered: number;
}

/**
 * Keeps repomd.xml and repomd.xml.asc together. They are two requests, and a switch of the
 * generation between them would give a client a signature that does not fit: HTTP has no way to
 * ask for both. So the server remembers which generation's first file a client got, and answers
 * the second request from that generation, or, where several clients at one address look alike,
 * with the signatures of all generations in question.
 *
 * repomd.xml itself is always the current one (but for clients that ask for the signature first).
 */
export class SignaturePairs {
  readonly #clients = new Map<string, ClientHistory>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The generation whose repomd.xml to send; notes that it was. */
  metadata(origin: RequestOrigin, current: string): string {
    if (asksSignatureFirst.test(origin.agent)) {
      return this.#second(origin)[0] ?? current;
    }
    this.#first(origin, current);
    return current;
  }

  /** The generations whose signatures to send: one, or all that the client may mean. */
  signatures(origin: RequestOrigin, current: string): readonly string[] {
    if (asksSignatureFirst.test(origin.agent)) {
      this.#first(origin, current);
      return [current];
    }
    const candidates = this.#second(origin);
    const [latest = current] = candidates;
    return acceptsAnyOfSeveral.test(origin.agent) && candidates.length > 0 ? candidates : [latest];
  }

  #first({ connection, ...origin }: RequestOrigin, generation: string): void {
    this.#forgetOld();
    const name = clientName(origin);
    const history = this.#clients.get(name) ?? { servings: [], answered: 0 };
    this.#clients.set(name, history);
    history.servings.push({ generation, connection, timeMs: this.#nowMs() });
  }

  /** The generations that the second request may belong to, the latest first. */
  #second({ connection, ...origin }: RequestOrigin): readonly string[] {
    this.#forgetOld();
    const name = clientName(origin);
    const history = this.#clients.get(name);
    if (history === undefined) return [];
    const latestFirst = history.servings.toReversed();
    const exact = latestFirst.find((serving) => serving.connection === connection);
    if (exact === undefined) history.answered += 1;
    else history.servings.splice(history.servings.indexOf(exact), 1);
    if (history.answered >= history.servings.length) this.#clients.delete(name);
    return exact === undefined
      ? [...new Set(latestFirst.map((serving) => serving.generation))]
      : [exact.generation];
  }

  #forgetOld(): void {
    const oldestMs = this.#nowMs() - pairTimeoutMs;
    for (const [name, history] of this.#clients) {
      const kept = history.servings.filter((serving) => serving.timeMs >= oldestMs);
      history.answered = Math.max(0, history.answered - (history.servings.length - kept.length));
      history.servings = kept;
      if (history.answered >= kept.length) this.#clients.delete(name);
    }
  }
}

function clientName({ address, agent }: Omit<RequestOrigin, "connection">): string {
  return `${address} ${agent}`;
}

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

/** Clients that get both files do so within this time, unless they are very far away. */
const promptMs = 1_000;

/** libdnf and its kin take a signature file of which one signature is good, and ask in this order. */
const acceptsAnyOfSeveral = /dnf|librepo|yum/i;

/** libzypp asks for the signature first. */
const asksSignatureFirst = /zypp/i;

/** A first file that was sent and whose second was not asked for yet. */
interface Serving {
  readonly client: string;
  readonly generation: string;
  readonly connection: object;
  readonly timeMs: number;
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
  /** The oldest first. */
  #servings: Serving[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The generation whose repomd.xml to send; notes that it was. */
  metadata(origin: RequestOrigin, current: string): string {
    if (asksSignatureFirst.test(origin.agent)) return this.#take(origin) ?? current;
    this.#note(origin, current);
    return current;
  }

  /** The generations whose signatures to send: one, or all that the client may mean. */
  signatures(origin: RequestOrigin, current: string): readonly string[] {
    if (asksSignatureFirst.test(origin.agent)) {
      this.#note(origin, current);
      return [current];
    }
    const possible = this.#possible(origin);
    const generations = new Set(possible.map((serving) => serving.generation));
    if (generations.size > 1 && acceptsAnyOfSeveral.test(origin.agent)) {
      // Which client asked is not known, so neither is which of them is done: time will tell.
      return [...generations].toReversed();
    }
    return [this.#take(origin) ?? current];
  }

  #note(origin: RequestOrigin, generation: string): void {
    const { connection } = origin;
    this.#servings.push({
      client: clientName(origin),
      generation,
      connection,
      timeMs: this.#nowMs(),
    });
  }

  /**
   * What this client may be asking about, the oldest first. Of several clients that ask at the same
   * time, the first to get the one file is the first to ask for the other; what is older was given
   * up, or belongs to a client that is very far away and hopefully alone.
   */
  #possible(origin: RequestOrigin): readonly Serving[] {
    const nowMs = this.#nowMs();
    this.#servings = this.#servings.filter(({ timeMs }) => timeMs >= nowMs - pairTimeoutMs);
    const client = clientName(origin);
    const own = this.#servings.filter((serving) => serving.client === client);
    const exact = own.filter(({ connection }) => connection === origin.connection);
    if (exact.length > 0) return exact.slice(-1);
    const prompt = own.filter(({ timeMs }) => timeMs >= nowMs - promptMs);
    return prompt.length > 0 ? prompt : own.slice(-1);
  }

  #take(origin: RequestOrigin): string | undefined {
    const [taken] = this.#possible(origin);
    this.#servings = this.#servings.filter((serving) => serving !== taken);
    return taken?.generation;
  }
}

function clientName({ address, agent }: RequestOrigin): string {
  return `${address} ${agent}`;
}

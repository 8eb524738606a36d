// A browser as far as signing in needs one: cookies by origin, redirects followed by hand.

export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  cookiesAt(origin: string): Map<string, string> {
    const cookies = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, cookies);
    return cookies;
  }

  async get(url: URL, headers: Record<string, string> = {}): Promise<Response> {
    const cookies = this.cookiesAt(url.origin);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { redirect: "manual", headers: { cookie, ...headers } });
    for (const set of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (set.split(";")[0] ?? "").split("=");
      if (/max-age=0|1970/i.test(set)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }

  async post(url: URL, form: Record<string, string>): Promise<Response> {
    const cookie = [...this.cookiesAt(url.origin)].map(([name, value]) => `${name}=${value}`).join("; ");
    return fetch(url, { method: "POST", redirect: "manual", headers: { cookie }, body: new URLSearchParams(form) });
  }

  /** Follows redirects until an address begins with `until`, which is not asked for, or there is none. */
  async follow(start: string, until: string): Promise<{ readonly url: URL; readonly answer: Response | null }> {
    let url = new URL(start);
    for (let i = 0; i < 12; i++) {
      if (url.href.startsWith(until)) return { url, answer: null };
      const answer = await this.get(url);
      const location = answer.headers.get("location");
      if (location === null) return { url, answer };
      url = new URL(location, url);
    }
    throw new Error("redirected in a circle");
  }
}

// Server-sent events over fetch: EventSource cannot send a key. It does not connect again by itself;
// whoever opened it does, from the last event on.

import { headers } from "./key.js";

export class EventStream {
  /** `opened` once the service answers, `told` gets the data of each event, `failed` the end. */
  constructor(address, { opened, told, failed }) {
    this.stop = new AbortController();
    this.read(address, opened, told)
      .catch(() => {})
      .finally(() => !this.stop.signal.aborted && failed());
  }

  close() {
    this.stop.abort();
  }

  async read(address, opened, told) {
    const answer = await fetch(address, {
      headers: { accept: "text/event-stream", ...headers() },
      signal: this.stop.signal,
    });
    if (!answer.ok || answer.status === 204) return;
    opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let pending = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (pending + value).split("\n\n");
      pending = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").filter((line) => line.startsWith("data:"));
        if (data.length) told(data.map((line) => line.slice(5).trimStart()).join("\n"));
      }
    }
  }
}

// The REST interface, as far as the explorer reads it.

import { headers } from "./key.js";

export class ApiError extends Error {
  constructor(status, code, message, details) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

const TIMEOUT_MS = 20_000;

/** Raises ApiError; status 0 means that the service could not be reached. */
async function get(path, query = {}, signal = null) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(url, {
      headers: { accept: "application/json", ...headers() },
      signal: AbortSignal.any(limits),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The service does not answer. Is it running?", null);
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok && body !== null) return body;
  const error = body?.error ?? {};
  const message = error.message ?? `The service answered ${answer.status} to ${url.pathname}.`;
  throw new ApiError(answer.status, error.code ?? "unknown", message, error.details);
}

const at = (...parts) => `/v1/${parts.map(encodeURIComponent).join("/")}`;

export const api = {
  sessions: (query, signal) => get("/v1/sessions", query, signal),
  session: (id, signal) => get(at("sessions", id), {}, signal),
  usage: (id, signal) => get(at("sessions", id, "usage"), {}, signal),
  turns: (id, query, signal) => get(at("sessions", id, "turns"), query, signal),
  turn: (id, turn, signal) => get(at("sessions", id, "turns", turn), {}, signal),
  steps: (id, turn, query, signal) => get(at("sessions", id, "turns", turn, "steps"), query, signal),
  events: (id, query, signal) => get(at("sessions", id, "events"), query, signal),
  eventsUrl: (id, after) => `${at("sessions", id, "events")}?after=${after}`,
};

// Numbers, durations, money and times, as people read them.

import { el } from "./dom.js";

const INTEGER = new Intl.NumberFormat("en");
const PERCENT = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });

export function count(number) {
  return INTEGER.format(number);
}

/** With a capital in front. */
export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** All but the very last token can be cached, so 100 % is said of nothing less than all. */
export function share(part, whole) {
  if (!whole) return "–";
  const ratio = part / whole;
  if (ratio > 0 && ratio < 0.005) return "<1%";
  return PERCENT.format(ratio < 1 ? Math.min(ratio, 0.99) : ratio);
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return ms === 0 ? "0 ms" : `${ms.toFixed(2)} ms`;
  if (ms < 999.5) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`;
}

/** A decimal string to so many places that columns of it line up. */
export function money(amount, currency) {
  if (amount === null || amount === undefined) return "–";
  const value = Number(amount);
  const least = 0.0001;
  if (value !== 0 && Math.abs(value) < least / 2) return `<${currencyText(least, currency, 4)}`;
  return currencyText(value, currency, Math.abs(value) < 1 && value !== 0 ? 4 : 2);
}

function currencyText(value, currency, places) {
  const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency, ...digits }).format(value);
  } catch {
    return `${new Intl.NumberFormat("en", digits).format(value)} ${currency ?? ""}`.trim();
  }
}

/** All digits. */
export function exactMoney(amount, currency) {
  return `${amount} ${currency ?? ""}`.trim();
}

/** In local time; the exact time in UTC is its title. */
export function time(iso) {
  if (!iso) return "–";
  return el("time", { datetime: iso, title: exactTime(iso) }, localTime(iso));
}

export function localTime(iso) {
  const date = new Date(iso);
  const clock = date.toLocaleTimeString("en-GB");
  if (date.toDateString() === new Date().toDateString()) return clock;
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year })}, ${clock}`;
}

export function exactTime(iso) {
  return `${iso.replace("T", " ").replace(/Z$/, "")} UTC`;
}

/** JSON with line breaks; text that is no JSON as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function pad(number) {
  return String(number).padStart(2, "0");
}

// The key that requests carry, where the service asks for one: kept for this tab alone, and never in
// an address.

import { el } from "./dom.js";

const NAME = "agent-serving-key";

export function headers() {
  const key = sessionStorage.getItem(NAME);
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** A field for the key; `entered` is called once there is one. */
export function keyField(entered) {
  const input = el("input", { type: "password", autocomplete: "off", spellcheck: "false" });
  const use = el("button", { type: "button", class: "button" }, "Use this key");
  const take = () => {
    const key = input.value.trim();
    if (!key) return;
    sessionStorage.setItem(NAME, key);
    entered();
  };
  use.addEventListener("click", take);
  input.addEventListener("keydown", (event) => event.key === "Enter" && take());
  return el("p", {}, el("label", {}, "Key ", input), " ", use);
}

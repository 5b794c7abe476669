// Calls to the service's own API. Failures become Problem, which knows the field that is wrong.

import { say } from "./words.js";

const { api, token } = document.documentElement.dataset;

/** Where this page finds the API: with a session, under the portal's own path, which alone knows the cookie. */
export function apiUrl(path) {
  return `${api}${path}`;
}

export class Problem extends Error {
  constructor(body) {
    super(body.detail ?? say("The service did not answer."));
    this.code = body.code ?? "unreachable";
    this.errors = body.errors ?? [];
  }
}

export async function call(method, path, { json, form, headers = {}, signal } = {}) {
  const options = { method, headers: { ...headers }, signal };
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers["Content-Type"] = "application/json";
  }
  if (form !== undefined) options.body = form;
  if (token) options.headers["X-CSRF-Token"] = token;
  const response = await fetch(apiUrl(path), options);
  const body = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body);
  return body;
}

// Calls to the service's own API. Failures become Problem, which knows the field that is wrong.

export class Problem extends Error {
  constructor(body) {
    super(body.detail ?? "The service did not answer.");
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
  const response = await fetch(`/api/v1${path}`, options);
  const body = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body);
  return body;
}

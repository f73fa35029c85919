// What the server is asked.

export class ServerError extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status; // 0: it does not answer
  }
}

async function ask(path, fields) {
  const form = fields && new FormData();
  for (const [name, value] of Object.entries(fields ?? {})) form.append(name, value);
  let response;
  try {
    response = await fetch(path, form && { method: "POST", body: form });
  } catch {
    throw new ServerError(0, "");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServerError(response.status, body.error ?? "");
  return body;
}

export const about = () => ask("/api/about");

export async function findOnServer(file) {
  return (await ask("/api/detections", { pictures: file })).pictures[0];
}

export async function answersFromServer(file, boxes) {
  return (await ask("/api/answers", { picture: file, boxes: JSON.stringify(boxes) })).boxes;
}

export const report = (file, said) => ask("/api/reports", { picture: file, report: JSON.stringify(said) });

/** A note of Fieldbook's about Lisbon, at the endpoint: no device has to import the world's places first. */
export async function plantNote(address, space, text) {
  const post = async (path, body, headers) => {
    const response = await fetch(`${address}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`);
    return response.json();
  };
  const { token } = await post("/dev/token", { sub: "planter", space });
  const now = Date.now();
  const label = { id: "PT:38.71667:-9.13333:Lisbon", name: "Lisbon", country: "PT", region: "Lisbon", lat: 38.71667, lng: -9.13333 };
  const value = { id: crypto.randomUUID(), place: label.id, label, text, created: now, modified: now };
  const hlc = `${now.toString(16).padStart(12, "0")}0000-00000000c0ffee01`;
  const op = { mid: 1, c: "notes", id: value.id, base: null, hlc, mode: "lww", body: { value, modified: now } };
  const { results } = await post(`/v1/${space}/push`, { client: crypto.randomUUID(), ops: [op] }, { authorization: `Bearer ${token}` });
  if (results[0].status !== "ok") throw new Error(JSON.stringify(results[0]));
}

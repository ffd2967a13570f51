// Keeps the whole page, so that it works without a network. `text-to-pose web` fills in what it consists of.
const { version, files } = "{{kept}}";
const NAME = `text-to-pose-${version}`;

addEventListener("install", (event) => {
  // Asking whether what the browser has kept of its own is the newest: a file may be older than the others.
  const requests = files.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(requests)));
});

addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("text-to-pose-") && name !== NAME);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(answer(event.request));
});

async function answer(request) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return kept;
  const response = await fetch(request);
  // Of the page, but kept only once somebody has asked for it.
  if (response.ok && new URL(request.url).pathname.includes("/tokenizer/")) await cache.put(request, response.clone());
  return response;
}

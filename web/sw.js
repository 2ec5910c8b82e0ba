// Serves the page without a network: the files of one build, kept together (Service Workers, W3C). xtask fills in the build
// and its files. Weights are not its business: the page's worker keeps those itself.
const BUILD = "%BUILD%";
const BUILT = %FILES%;
// Kept once they have been asked for: what most visits do not need.
const LATER = %LATER%;
// Of the worker's two modules only the one that this browser runs: the loader chooses in the same way.
const PLAIN = "%PLAIN%";
const isRelaxed = WebAssembly.validate(%PROBE%);
const PLAINS = BUILT.filter((file) => file.endsWith(PLAIN));
const unused = isRelaxed ? PLAINS : PLAINS.map((file) => file.replace(PLAIN, "_bg.wasm"));
const FILES = BUILT.filter((file) => !unused.includes(file));

const PREFIX = "ditscope-page ";
const NAME = PREFIX + BUILD;
const SCOPE = new URL("./", self.location);
const places = (files) => new Set(files.map((file) => new URL(file, SCOPE).href));
const KEPT = places(FILES);
const ASKED = places(LATER);
// Their names change with what is in them.
const isHashed = (address) => /-[0-9a-f]{16}[._/]/.test(address);
const isWeights = (address) => address.pathname.endsWith(".safetensors");

async function keep(cache, file) {
  // The page itself is asked for anew, the rest may come from the browser's cache.
  const response = await fetch(file, { cache: isHashed(file) ? "force-cache" : "no-cache" });
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  // A page of another build would ask for files of that build.
  if (file === "./" && !(await response.clone().text()).includes(BUILD)) throw new Error("another build is on the server");
  await cache.put(file, response);
}

// All or nothing: a build with holes is not used.
self.addEventListener("install", (event) => {
  const all = async () => {
    const cache = await caches.open(NAME);
    for (const file of FILES) await keep(cache, file);
  };
  event.waitUntil(
    all().catch(async (error) => {
      await caches.delete(NAME);
      throw error;
    }),
  );
});

// Only when no page of the build before is open any more.
self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

async function kept(request) {
  const cache = await caches.open(NAME);
  return cache.match(request, { ignoreSearch: request.mode === "navigate" });
}

// Of this build already, or from the network and kept.
async function remembered(request) {
  const known = await kept(request);
  if (known) return known;
  const response = await fetch(request);
  if (response.ok) {
    const cache = await caches.open(NAME);
    // Without room it is fetched again the next time.
    await cache.put(request, response.clone()).catch(() => {});
  }
  return response;
}

// From the network, and where there is none, what was kept.
async function fresh(request, file) {
  try {
    return await fetch(request);
  } catch (offline) {
    const response = await kept(file ?? request);
    if (response) return response;
    throw offline;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  const isOurs = address.href.startsWith(SCOPE.href) && request.method === "GET";
  if (!isOurs || isWeights(address) || request.headers.has("range")) return;
  const isPage = request.mode === "navigate" && (address.pathname === SCOPE.pathname || address.pathname.endsWith("/index.html"));
  address.search = address.hash = "";
  if (isPage) event.respondWith(fresh(request, "./"));
  else if (ASKED.has(address.href)) event.respondWith(remembered(request));
  else if (!KEPT.has(address.href)) return;
  else if (isHashed(address.pathname)) event.respondWith(kept(request).then((response) => response ?? fetch(request)));
  else event.respondWith(fresh(request));
});

// Runs before everything else, and without it: the theme before the first paint, and what stands in the page's place when
// its program cannot start. A classic script in old syntax, so that old browsers read it, too.
(function () {
  "use strict";

  function kept(key) {
    try {
      return localStorage.getItem(key);
    } catch (refused) {
      return null;
    }
  }

  // See src/ui/theme.rs.
  var theme = kept("ditscope-theme");
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.setAttribute("data-theme", theme);

  // A module of one function that uses a vector.
  var SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

  // What this browser or this place lacks, whatever the files are.
  function lack() {
    if (location.protocol === "file:") return "file";
    if (typeof WebAssembly !== "object") return "wasm";
    if (!("noModule" in HTMLScriptElement.prototype)) return "old";
    if (!WebAssembly.validate(new Uint8Array(SIMD))) return "simd";
    return null;
  }

  var told = false;

  // What to say about it, and in which language, is in a file of its own: hardly any visit needs it.
  function explain(message, lacks) {
    var boot = document.getElementById("boot");
    if (told || !boot) return;
    told = true;
    window.ditscopeTrouble = { kept: kept, message: message, lacks: lacks || lack() || (self.origin === "null" ? "sandbox" : null) };
    var script = document.createElement("script");
    script.src = document.querySelector('meta[name="trouble"]').content;
    script.onerror = function () {
      boot.lastElementChild.textContent = "The page could not be loaded. Check the connection and reload it.";
      boot.setAttribute("role", "alert");
    };
    document.head.appendChild(script);
  }

  // Whether an error is one of the page's own, and not of an extension's script.
  function isOurs(target) {
    return target && target.tagName === "SCRIPT" && target.src.indexOf(location.origin) === 0;
  }

  function onReady(act) {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", act);
    else act();
  }

  addEventListener(
    "error",
    function (event) {
      // An element that did not load has no message.
      if (event.message === undefined && !isOurs(event.target) && self.origin !== "null") return;
      onReady(function () {
        explain(event.message || "");
      });
    },
    true
  );
  addEventListener("unhandledrejection", function (event) {
    onReady(function () {
      explain(String((event.reason && event.reason.message) || event.reason));
    });
  });
  onReady(function () {
    var lacks = lack();
    if (lacks) explain("", lacks);
  });

  // Offline: what the page shows of it is in its style sheet and its words ([data-offline], [data-update]).
  function say(name) {
    document.documentElement.setAttribute("data-" + name, "");
  }

  function keepForOffline() {
    var meta = document.querySelector('meta[name="offline"]');
    var workers;
    try {
      workers = navigator.serviceWorker;
    } catch (refused) {}
    if (!workers) return;
    if (!meta) {
      // Left over from a build that had one.
      workers.getRegistrations().then(function (all) {
        all.forEach(function (registration) {
          registration.unregister();
        });
      });
      return;
    }
    var isEmbedded = /[?&]embed=1/.test(location.search);
    var savesData = navigator.connection && navigator.connection.saveData;
    if (!workers.controller && (isEmbedded || savesData)) return;
    if (workers.controller) say("offline");
    workers.register(meta.content).then(
      function (registration) {
        function follow(worker) {
          if (!worker) return;
          worker.addEventListener("statechange", function () {
            if (worker.state === "activated") say("offline");
            if (worker.state === "installed" && workers.controller) say("update");
          });
        }
        if (registration.waiting && workers.controller) say("update");
        follow(registration.installing);
        registration.addEventListener("updatefound", function () {
          follow(registration.installing);
        });
        // A tab may stay open for days.
        setInterval(function () {
          registration.update().catch(function () {});
        }, 3600000);
      },
      function () {}
    );
  }

  // After what is needed now.
  addEventListener("load", function () {
    setTimeout(keepForOffline, 3000);
  });
})();

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

  // Whether an error is one of the page's program, and not of an extension's script or of what may be missing.
  function isOurs(target) {
    return target && target.tagName === "SCRIPT" && target.type === "module" && target.src.indexOf(location.origin) === 0;
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

  // What keeps the page for when there is no network comes after what is needed now.
  addEventListener("load", function () {
    setTimeout(function () {
      var script = document.createElement("script");
      script.src = document.querySelector('meta[name="keeper"]').content;
      document.head.appendChild(script);
    }, 3000);
  });
})();

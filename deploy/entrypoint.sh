#!/bin/sh
# Runs the service or app that the first argument, else THROUGHLINE_SERVICE, names. Node takes the shell's place, so that
# it hears SIGTERM itself.
set -eu
name="${1:-${THROUGHLINE_SERVICE:-}}"
case "$name" in
'' | *[!a-z-]*) ;;
*)
  for main in "services/$name/src/main.ts" "apps/$name/src/main.ts"; do
    if [ -f "$main" ]; then
      exec node --disable-warning=TimeoutNegativeWarning --import ./tools/typescript.mjs "$main"
    fi
  done
  ;;
esac
echo "THROUGHLINE_SERVICE must name a service or an app, not '$name'" >&2
exit 64

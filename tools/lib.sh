# Shared by the scripts in this folder: `. "$(dirname "$0")/lib.sh"`.
# Leaves the caller in the root of the checkout.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
ROOT=$PWD

# Things a run leaves behind that are no part of a build: logs, the list of what was installed.
STATE=$ROOT/.tools

say() { printf '%s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# version_at_least HAVE WANT: true when HAVE is WANT or newer (numbers separated by dots).
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Where Debian keeps the PostgreSQL server programs; they are not on the path of ordinary users.
postgres_bin() {
  local dir
  if have initdb && have postgres; then
    dirname "$(command -v initdb)"
    return 0
  fi
  for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
    if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
      printf '%s\n' "$dir"
      return 0
    fi
  done
  return 1
}

# Debian keeps nginx off the path of ordinary users.
nginx_bin() {
  local file
  for file in "${VITRINE_NGINX:-}" /usr/sbin/nginx /usr/local/sbin/nginx; do
    if [ -x "$file" ]; then
      printf '%s\n' "$file"
      return 0
    fi
  done
  command -v nginx
}

chromium_bin() {
  local name
  if [ -n "${VITRINE_CHROMIUM:-}" ]; then
    printf '%s\n' "$VITRINE_CHROMIUM"
    return 0
  fi
  for name in chromium chromium-browser google-chrome-stable google-chrome; do
    if have "$name"; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# npm_ci DIR: installs the locked packages, unless exactly these are installed already.
npm_ci() {
  local dir=$1 stamp=$1/node_modules/.installed-lock want
  want=$(cat "$dir/package.json" "$dir/package-lock.json" | sha256sum | cut -d ' ' -f 1)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then return 0; fi
  say "npm ci in $dir (the lock file is new here or has changed)"
  (cd "$dir" && npm ci --no-audit --no-fund --loglevel=error) || return 1
  printf '%s\n' "$want" >"$stamp"
  note_installed "npm packages of $dir (into $dir/node_modules, $(grep -c '"node_modules/' "$dir/package-lock.json") locked)"
}

# note_installed TEXT: remembered for the list at the end of a run.
note_installed() {
  mkdir -p "$STATE"
  printf '%s\n' "$1" >>"$STATE/installed"
}

print_installed() {
  if [ -s "$STATE/installed" ]; then
    say "Installed by this run:"
    sed 's/^/  - /' "$STATE/installed"
  else
    say "Installed by this run: nothing, everything was there."
  fi
}

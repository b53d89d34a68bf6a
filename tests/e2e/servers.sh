#!/usr/bin/env bash
# Fetches the real servers that the end-to-end tests meet: Debian packages, unpacked under .servers without installing
# them and without root. Chromium and npm alone are installed, by root, where they are not there yet. What comes from npm
# is pinned by tests/e2e/peers/package-lock.json. Quick the second time.
set -euo pipefail
cd "$(dirname "$0")/../.."

servers=(nagios4-core nagios4-cgi apache2-bin icinga2-bin icinga2-common prometheus prometheus-alertmanager victoria-metrics
    pgbouncer nginx)
linked=(apache2-bin icinga2-bin pgbouncer nginx)    # whose libraries come along where this machine has not installed them
store=$PWD/.servers
stamp=$store/stamp
version=$(sha256sum tests/e2e/servers.sh | cut -d' ' -f1)
apt=(-qq -o Acquire::Retries=3)

say() { echo "servers: $*"; }
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
is_root() { [ "$(id -u)" = 0 ]; }

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "the real servers come from Debian packages and there is no apt-get here."
    say "The tests that need them are left out; everything else runs. On another system: run .ci/run in a Debian 12 container."
    exit 1
fi

# Root refreshes the lists of the machine. Anybody else keeps lists of their own, since those may be missing or old.
if is_root; then
    apt+=(-o APT::Sandbox::User=root)
else
    mkdir -p "$store/apt/state/lists/partial" "$store/apt/cache/archives/partial"
    apt+=(-o "Dir::State=$store/apt/state" -o "Dir::State::status=/var/lib/dpkg/status" -o "Dir::Cache=$store/apt/cache")
fi
refreshed=no
refresh() {
    [ "$refreshed" = no ] || return 0
    say "refreshing the package lists …"
    apt-get "${apt[@]}" update
    refreshed=yes
}

# The libraries that a package needs, and those that they need, which the machine lacks.
missing_libraries() {
    local queue=("$@") seen=" " package name
    while [ ${#queue[@]} -gt 0 ]; do
        package=${queue[0]}
        queue=("${queue[@]:1}")
        while read -r name; do
            case "$seen" in *" $name "*) continue ;; esac
            seen+="$name "
            installed "$name" && continue
            apt-cache "${apt[@]}" show --no-all-versions "$name" >/dev/null 2>&1 || continue
            echo "$name"
            queue+=("$name")
        done < <(apt-cache "${apt[@]}" depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
            "$package" | sed -n 's/^ *Depends: \(lib[^ <>]*\)$/\1/p')
    done
}

download() {
    (cd "$store/debs" && apt-get "${apt[@]}" download "$@")
}

fetch_servers() {
    if [ "$(cat "$stamp" 2>/dev/null)" = "$version" ]; then
        say "Nagios, Apache, Icinga 2, Prometheus, Alertmanager, vmalert, PgBouncer and nginx are under .servers already"
        return
    fi
    rm -rf "$store/debs" "$store/root"
    mkdir -p "$store/debs" "$store/root"
    apt-cache "${apt[@]}" show --no-all-versions "${servers[@]}" >/dev/null 2>&1 || refresh
    local packages
    mapfile -t packages < <(printf '%s\n' "${servers[@]}"; missing_libraries "${linked[@]}")
    say "downloading ${packages[*]} …"
    download "${packages[@]}" 2>/dev/null || { refresh; download "${packages[@]}"; }
    local package
    for package in "$store"/debs/*.deb; do
        dpkg-deb -x "$package" "$store/root"
    done
    rm -rf "$store/debs"
    prove
    echo "$version" >"$stamp"
}

# A library that is still missing should be named here, not by a test that times out.
prove() {
    local root=$store/root program lacking
    local libraries
    libraries=$(echo "$root"/usr/lib/*-linux-gnu | tr ' ' ':')
    for program in "$root/usr/sbin/nagios4" "$root/usr/lib/cgi-bin/nagios4/cmd.cgi" "$root/usr/sbin/apache2" "$root/usr/sbin/pgbouncer" \
        "$root/usr/sbin/nginx" "$root"/usr/lib/*-linux-gnu/icinga2/sbin/icinga2; do
        lacking=$(LD_LIBRARY_PATH=$libraries ldd "$program" | grep 'not found' || true)
        [ -z "$lacking" ] || { say "$program cannot run: $lacking"; exit 1; }
    done
}

fetch_chromium() {
    if [ -x /usr/bin/chromium ]; then
        say "Chromium is installed already"
    elif is_root; then
        say "installing Chromium …"
        refresh
        DEBIAN_FRONTEND=noninteractive apt-get "${apt[@]}" install -y --no-install-recommends chromium fonts-noto-color-emoji >/dev/null
    else
        say "Chromium is not installed and only root can do that: apt-get install --no-install-recommends chromium"
        exit 1
    fi
}

# Node.js programs and libraries; npm compares each with the hash of the lock.
fetch_packages() {
    local lock=tests/e2e/peers/package-lock.json
    if cmp -s "$lock" "$store/npm/package-lock.json"; then
        say "the packages from npm are under .servers already"
        return
    fi
    if ! command -v npm >/dev/null; then
        is_root || { say "npm is not installed and only root can do that: apt-get install --no-install-recommends npm"; exit 1; }
        say "installing npm …"
        refresh
        DEBIAN_FRONTEND=noninteractive apt-get "${apt[@]}" install -y --no-install-recommends npm >/dev/null
    fi
    say "fetching the packages from npm …"
    rm -rf "$store/npm"
    mkdir -p "$store/npm"
    cp tests/e2e/peers/package.json "$store/npm"
    cp "$lock" "$store/npm/package-lock.json"
    npm ci --prefix "$store/npm" --ignore-scripts --no-audit --no-fund --loglevel=error || { rm -rf "$store/npm"; exit 1; }
}

# Debian's Alertmanager looks for its templates in one place only.
place_templates() {
    local place=/usr/share/prometheus/alertmanager
    [ -e "$place/default.tmpl" ] && return
    is_root || { say "Alertmanager is left out: only root can put its templates to $place"; return; }
    mkdir -p "$place"
    cp -r "$store/root$place/." "$place"
}

mkdir -p "$store"
fetch_servers
place_templates
fetch_packages
fetch_chromium
say "everything is here; make test leaves nothing out"

#!/bin/sh
# Installs the system packages that a purpose needs and that are missing: demo, test, bench (see packages.txt) or venv.
# Without root it says what to install.
set -eu
purpose=$1
list=$(dirname "$0")/packages.txt
PATH=$PATH:/usr/sbin:/sbin

missing=
if [ "$purpose" = venv ]; then
    # python3-venv brings ensurepip; the interpreter alone may lack it
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing=" python3 python3-venv"
else
    while read -r program package purposes; do
        case $program in '' | '#'*) continue ;; esac
        case ,$purposes, in *,"$purpose",*) ;; *) continue ;; esac
        if [ "$program" = - ]; then
            dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
        else
            command -v "$program" >/dev/null 2>&1 || missing="$missing $package"
        fi
    done <"$list"
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "These system packages are missing; please install them, then call make again:" >&2
    echo "    sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "Installing system packages:$missing"
export DEBIAN_FRONTEND=noninteractive
# Daemons that come with packages must not start: the demo and the tests start their own, on loopback.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install -qq -y --no-install-recommends $missing >/dev/null

# As the image of docker.io does: a cluster is made at the first start, the statements that lie ready are run before
# anybody can connect, this machine is trusted and others show a password.
set -euo pipefail
export PATH=$(echo /usr/lib/postgresql/*/bin):$PATH PGDATA=/var/lib/postgresql/18/docker
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --encoding=UTF8 --auth=trust --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses=" start
    for statements in /docker-entrypoint-initdb.d/*.sql; do
        psql --set=ON_ERROR_STOP=1 --dbname=postgres --file="$statements"
    done
    pg_ctl --wait stop
fi
exec postgres -c "listen_addresses=*"

using System.Globalization;

namespace Gantry.Daemon.Storage;

/// <summary>The tables. Each step brings a database one version further; steps are only ever added.</summary>
internal static class Schema
{
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE engine (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

        CREATE TABLE containers (
            id      TEXT PRIMARY KEY,
            name    TEXT NOT NULL UNIQUE,      -- without the leading slash
            image   TEXT NOT NULL,             -- sha256:… of the image's configuration
            record  BLOB NOT NULL,             -- JSON: what was asked for at create
            state   BLOB NOT NULL              -- JSON: how it goes
        ) WITHOUT ROWID;
        CREATE INDEX containers_image ON containers (image);

        CREATE TABLE images (
            id       TEXT PRIMARY KEY,          -- sha256:… of the configuration blob
            parent   TEXT,
            created  INTEGER NOT NULL,          -- Unix nanoseconds
            tagged   INTEGER NOT NULL DEFAULT 0,-- Unix nanoseconds of the last tag
            size     INTEGER NOT NULL           -- bytes of all layers, unpacked
        ) WITHOUT ROWID;

        CREATE TABLE image_layers (
            image    TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            chain    TEXT NOT NULL,
            PRIMARY KEY (image, position)
        ) WITHOUT ROWID;
        CREATE INDEX image_layers_chain ON image_layers (chain);

        CREATE TABLE image_names (
            name    TEXT PRIMARY KEY,           -- canonical: docker.io/library/busybox:latest, or …@sha256:…
            image   TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE
        ) WITHOUT ROWID;
        CREATE INDEX image_names_image ON image_names (image);

        CREATE TABLE layers (
            chain    TEXT PRIMARY KEY,          -- chain id (OCI image spec, "Layer ChainID")
            parent   TEXT,
            diff     TEXT NOT NULL,             -- digest of the uncompressed tar
            size     INTEGER NOT NULL,          -- bytes of regular files in it
            archive  INTEGER NOT NULL           -- bytes of the uncompressed tar
        ) WITHOUT ROWID;

        CREATE TABLE layer_pins (
            owner    TEXT NOT NULL,             -- a container's id: its layers stay even when their image goes
            position INTEGER NOT NULL,
            chain    TEXT NOT NULL,
            PRIMARY KEY (owner, position)
        ) WITHOUT ROWID;

        CREATE TABLE events (
            number   INTEGER PRIMARY KEY,
            time     INTEGER NOT NULL,          -- Unix nanoseconds
            message  BLOB NOT NULL              -- JSON
        );
        CREATE INDEX events_time ON events (time);

        CREATE TABLE networks (
            id       TEXT PRIMARY KEY,
            name     TEXT NOT NULL UNIQUE,
            record   BLOB NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE addresses (
            network   TEXT NOT NULL,
            address   TEXT NOT NULL,
            container TEXT NOT NULL,
            PRIMARY KEY (network, address)
        ) WITHOUT ROWID;

        CREATE TABLE ports (
            protocol  TEXT NOT NULL,
            address   TEXT NOT NULL,
            port      INTEGER NOT NULL,
            container TEXT NOT NULL,
            PRIMARY KEY (protocol, address, port)
        ) WITHOUT ROWID;

        CREATE TABLE volumes (
            name     TEXT PRIMARY KEY,
            record   BLOB NOT NULL
        ) WITHOUT ROWID;
        """,
        """
        CREATE TABLE built_images (             -- made by this engine's builder: only these may answer for a build's step
            image    TEXT PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE
        ) WITHOUT ROWID;
        """,
        """
        CREATE TABLE layer_blobs (
            diff       TEXT NOT NULL,           -- digest of a layer's uncompressed archive
            registry   TEXT NOT NULL,           -- domain of image names: docker.io, host:port
            repository TEXT NOT NULL,           -- path in it
            digest     TEXT NOT NULL,           -- of the blob that the repository has of the layer
            size       INTEGER NOT NULL,
            media      TEXT NOT NULL,
            PRIMARY KEY (diff, registry, repository)
        ) WITHOUT ROWID;
        """,
    ];

    public static void Upgrade(DatabaseWriter writer)
    {
        int version = Convert.ToInt32(writer.Scalar("PRAGMA user_version"), CultureInfo.InvariantCulture);
        if (version > Steps.Length) throw new InvalidDataException($"the database has schema version {version}; this engine knows {Steps.Length}: start a newer Gantry");
        for (; version < Steps.Length; version++)
        {
            writer.Execute("BEGIN IMMEDIATE");
            writer.Execute(Steps[version]);
            writer.Execute($"PRAGMA user_version={(version + 1).ToString(CultureInfo.InvariantCulture)}");
            writer.Execute("COMMIT");
        }
    }
}

// Package kit wires what troth has on one database handle, with safe defaults:
// the shortest way in.
//
//	db, err := sql.Open("sqlite", "file:shop.db?_txlock=immediate"+
//		"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)")
//	secrets, err := kit.LocalSecrets("shop-secrets", passphrase)
//	k, err := kit.Open(ctx, kit.Config{
//		DB: db, Dialect: sqlstore.SQLite, Secrets: secrets,
//		Origin: "shop.example/trail", // names the log, for ever
//	})
//	defer k.Close(ctx)
//	go k.Run(ctx)
//
//	sealed, err := k.Vault.AppendSeal(ctx, nil, at, []byte("ada@example.org"))
//
// The parts are the ordinary ones, and everything that a Kit does can be done
// with them one by one. It grows with the library: a later version wires more,
// and an existing call of Open keeps its meaning.
//
// # Another key, another log
//
// Open takes whichever signer and origin it is given, and does not look at the log;
// Run and Close end in [audit.ErrSigner] where that is another's. To replace the
// signing key, open a Kit with the new signer, and the keys so far among its
// verifiers, and call [Kit.Rotate]:
//
//	next, err := kit.LocalSecrets("shop-secrets-2", passphrase) // for its signer
//	keys, err := audit.ParseVerifiers(published)                 // Kit.Verifiers() so far
//	changed := secrets
//	changed.Signer, changed.Verifiers = next.Signer, keys
//	k, err := kit.Open(ctx, kit.Config{
//		DB: db, Dialect: sqlstore.SQLite, Origin: "shop.example/trail", Secrets: changed,
//	})
//	size, err := k.Rotate(ctx, secrets.Signer)
//
// After an older copy of the database was put back, Run and Close end in an
// *[audit.RolledBackError], if a sink or a witness knows better. What is recorded
// waits. Open a Kit with another Origin, and the keys so far among its verifiers,
// and call [audit.Trail.Continue] with the newest checkpoint that is known. The
// keys so far stay among the verifiers from then on.
//
// # Keys that are renewed, databases that are restored
//
// LocalSecrets keeps the keys of epochs and a journal of erasures; a host with
// several machines brings its own, see [Secrets]. Run tells the journal of each
// erasure and compares the vault's rows with the trail. Once a week or so call
// Advance, Rewrap and Retire of [vault.Vault], with a tested backup of the key
// tables before the last: then older copies of the database open nobody who was
// erased, and [vault.Vault.Horizon] says from when on.
//
// Open returns [vault.ErrJournalAhead] for a database that was restored from
// before an erasure: open it with [vault.ForReplay], and go on as docs/restore.md
// says.
//
// # A retention keeper
//
// With Config.Retention the Kit has a Keeper, and nothing in it is destroyed but by
// the Keeper's permits:
//
//	files := &files{} // the host's retention.Handler
//	c.Retention = func(k *kit.Kit) []retention.Option {
//		files.kit = k
//		return []retention.Option{retention.WithRecords("file", retention.Registration{Handler: files})}
//	}
//	k, err := kit.Open(ctx, c)
//	err = k.Keeper.Activate(officer, policy) // once: the tables keep it
//
// Shred with what [retention.Keeper.Permit] hands out, or, where the vault's keys are a
// record of the policy, with the permit of the order. A database that had a Keeper opens
// without one no more.
//
// The first records that ever go, and what exceeds a ceiling, wait for a plan that two
// people approve, see [retention.Keeper.Preview]; [retention.UnsafeWithoutApproval] waives
// that. Legal holds are kept in the folder of LocalSecrets too, so that an older database
// that is put back destroys nothing that was held since.
//
// # Requests of people
//
// Rights is a desk for them. The Kit's own parts are its sources: consents, opt-outs, keys
// and, with a Keeper, every record under the policy. Config.Rights adds the host's tables
// and processors:
//
//	c.Rights = func(k *kit.Kit) []rights.Option {
//		return []rights.Option{
//			rights.WithController("Acme Ltd."), rights.WithRegimes("gdpr"),
//			rights.WithSource(rights.Source{
//				Name: "files", Order: rights.Primary, Records: []string{"file"},
//				For: []rights.Right{rights.Access, rights.Portability}, Locator: files, Exporter: files,
//			}),
//		}
//	}
//
// Records under the policy are erased by the Kit's source, as holds and duties allow; so
// this source is for disclosing alone. One that is asked to erase and cannot would say so
// in every certificate, which would never be final. While the first records wait for a plan,
// so does an erasure that is about some: its source troth.retention is pending.
//
// Archives are signed as the trail's log is, unless [rights.WithExports] names another
// signer. The certificate of an erasure is a file with its proof:
//
//	c, err := k.Rights.Certify(ctx, "acme", request)
//	file, err := k.Rights.ProveCertificate(ctx, c) // troth.ErrPending until it is in the log
//
// Whoever has [Kit.Verifiers] checks it, and asks nobody:
//
//	keys, err := audit.ParseVerifiers(published)
//	certificate, err := rights.VerifyCertificate(file, keys.Proven)
//
// # What it does not promise
//
// Without Config.Retention a Kit shreds with troth.UnmanagedPermit: nobody checks
// holds and legal minima, and the trail says so. Evidence joins
// the act's transaction and is durable with it; tamper-evident it is from when
// Run or Close moved it into the signed log. Who has the database and the folder
// of LocalSecrets can sign another history: only a checkpoint that others keep
// shows that, see [Config.Sinks].
//
// # Errors
//
// Those of the packages that it wires. Where a call in the middle of the host's
// own transaction ends in troth.ErrBusy, the call most often waited for that
// transaction: its context is not from [Kit.WithTx], or a service opens something
// for the first time in a while and the host did not call vault.Vault.OpenWindow
// before it began. Repeating the transaction as it is does not help then.
//
// # Concurrency
//
// A Kit is safe for concurrent use. Run blocks; Open starts no goroutine.
//
// # Storage
//
// Open creates and migrates the tables of all parts, whose names begin with
// "troth_", in the database that it is given.
package kit

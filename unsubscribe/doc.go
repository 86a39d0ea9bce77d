// Package unsubscribe keeps a registry of who must not be written to, and is asked
// before every message.
//
// Events are append-only: an opt-out, an opt-in, a bounce, a complaint, an import
// from an older tool, an erasure, a provider that was told. What they come to is an
// [EntryRow] per address, channel and list. Addresses are never stored: rows stand
// under keyed hashes, whose keys belong to the platform tenant, one for each client
// and one for "everything". So an opt-out outlives the erasure of the person and of
// the client.
//
//	registry, err := unsubscribe.New(ctx, unsubscribe.Config{Store: store, Recorder: trail, Keys: keys})
//	_, err = registry.OptOut(ctx, unsubscribe.OptOutParams{
//		Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect("ada@example.org"),
//		Scope: unsubscribe.Client, Method: unsubscribe.ByPage,
//	})
//	d, err := registry.Check(ctx, unsubscribe.Campaign{
//		Tenant: "acme", List: "newsletter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
//	}, troth.Protect("ada@example.org"))
//	if !d.Send { … d.String() says why … }
//
// Of an opt-out and an opt-in of one instant the opt-out wins. Back in comes only
// the person, with evidence that is dated after the opt-out, see
// [Registry.OptIn].
//
// [Links] makes the link and the header fields of a message, and [Pages] serves what
// it leads to: one-click for mailbox providers (RFC 8058), pages for people, and a
// public form.
//
//	links, err := unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: keys, Base: "https://mail.shop.example"})
//	err = links.SelfTest(ctx) // at start: a link that does not work now never will
//	pages, err := unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: registry, Links: links, Home: "acme"})
//	mux.Handle("/u/", pages)
//	mux.Handle("/stop", pages)
//
// Campaigns ask a [Gate], which answers from memory about millions, lets nobody through
// where it cannot know, and is asked again just before a message goes out:
//
//	gate, err := unsubscribe.NewGate(registry)
//	err = gate.Load(ctx) // and gate.Run(ctx), for as long as the program lives
//	for v, err := range gate.Filter(ctx, campaign, recipients) {
//		if err != nil { … nobody more } else if v.Send { … queue with v.Permit() }
//	}
//	decisions, err := gate.Confirm(ctx, permits...)
//
// Contacts may be kept with their [Keys], by [Hasher.Keys] and [Keys.MarshalBinary], so
// that campaigns hash nothing. Make the gate before the first opt-out of the process, so
// that it knows of those whose transactions are open.
//
// # What is taken back
//
// The page behind a link has an undo for a quarter of an hour: of what that very click
// stopped, and of nothing else. It does not give back a consent that the click ended,
// and says so: nobody could show that it was given. One-click has no undo: its answer is
// shown to nobody (RFC 8058, 3.2), and the link in the same message opens the page. The
// public form has none either: who filled it in may be somebody else.
//
// # What it does not promise
//
// A link is a credential: whoever has the message can opt its recipient out, and who
// has the keys of links can read addresses from them. The public form lets anybody
// stop messages to anybody, within its limit; said again within a day it is the same
// event.
//
// An address that is not in the registry may be written to as far as the registry
// knows: whether there is consent is for a consent ledger to say, see
// [WithObjections]. The gate asks such ledgers about recipients by their SubjectID, or
// finds it by a [WithDirectory]; of whom neither tells, it lets nobody through, unless
// they say that they keep nothing about the purpose.
//
// It asks them for a no, and not for a yes: where a message needs consent, check that
// where the campaign is put together.
//
// Entries are locked in one order within each call. A host that opts several addresses
// out in one transaction of its own must do so in one order too, or try again when the
// database finds a circle.
//
// Keyed hashes are personal data: whoever holds the key can test guesses. Rows are
// not tagged: who writes to the database past the registry can delete an opt-out,
// and only the trail shows that it was there.
//
// The registry forgets addresses: it cannot list them, and a provider learns one
// only from the work that was enqueued with the opt-out.
//
// # Errors
//
// Sentinels, and those of the root package. Errors of store, keys, sealer and queue
// are wrapped once. No error holds an address.
//
// # Concurrency
//
// A Registry is safe for concurrent use; New starts no goroutine. Call [Registry.Run],
// which raises alarms and prunes the feed, and [Gate.Run] in each program. A [Hasher]
// serves one goroutine.
//
// # Storage
//
// See [Store]; the suite is in unsubscribetest. Keys must stay the same for the life
// of the store; [Registry.Rekey] changes those that addresses stand under.
//
// # Compatibility
//
// Keys of addresses and stored records are versioned: docs/formats.md gives their
// bytes. Kinds, reasons, channels, classes and methods are closed lists, to which
// later versions may add.
package unsubscribe

// Package consent keeps a ledger that can prove what people were asked, what they
// were shown, what they gave and what they took back, and decides by it whether
// their personal data may be processed for a purpose.
//
// A purpose has versions, which say what people agree to: the lawful basis, the
// data, the recipients, for how long. Events say what a person did about it: they
// are never changed and never deleted while the person's proof is kept. A
// [Decision] is a pure function of both, see [Decide], and explains itself in one
// line.
//
//	store, err := consentsql.New(ctx, handle) // or consentmem.New(db), in memory
//	ledger, err := consent.New(ctx, consent.Config{Store: store, Recorder: trail, Keys: keys})
//	_, err = ledger.Publish(ctx, consent.Terms{
//		Tenant: "acme", Purpose: "newsletter", Title: "Our monthly letter",
//		Basis: consent.Consent, DirectMarketing: true,
//	})
//	ada := troth.Subject{Tenant: "acme", ID: "c-17"}
//	_, err = ledger.Record(ctx, consent.Form{
//		ID: "form-1", Subject: ada, Method: consent.ByCheckbox, Channel: consent.OnWeb,
//		Choices: []consent.Choice{{Purpose: "newsletter", Kind: consent.Granted}},
//	})
//	d, err := ledger.Check(ctx, ada, "newsletter", time.Time{}) // now
//	if d.Allowed { … }
//
// Package kit wires a ledger with all that it can use. Alone, keys come from a vault
// or a file of package keyfile, and the recorder is the trail of package audit;
// examples/consentalone is such a program. What records wants an actor in its context,
// see [troth.WithActor].
//
// For double opt-in the terms say DoubleOptIn, and a form's choices [Requested]:
//
//	token, err := ledger.Request(ctx, form) // goes out in a link to /confirm?token=…
//	mux.Handle("/confirm", ledger.ConfirmHandler(consent.ConfirmConfig{Tenant: tenantOf}))
//
// Everything that is not a live grant denies: nothing known, a request that waits,
// a refusal, a withdrawal, a time that is over, a version that was replaced, a
// guardian who is missing, an error. Of a grant and a withdrawal of one instant
// the withdrawal wins.
//
// Every event has two instants: when it was said, and when the ledger learnt of
// it. So [Ledger.CheckAsKnown] can answer what was allowed on a day, by what was
// known on another.
//
// # Around it
//
//   - [Ledger.Request] and [Ledger.ConfirmHandler]: double opt-in, confirmed by a
//     POST and by nothing less.
//   - [Ledger.PublishNotice]: what people are shown, kept by its SHA-256; forms
//     that bundle purposes or tick boxes for people are refused.
//   - A material change has everybody asked who granted a version before; nobody is
//     moved to the new one, see [Ledger.Publish] and [Ledger.Affected].
//   - [WithProcessor] tells others of a withdrawal until they acknowledge;
//     [WithObjections] makes it an opt-out in the same transaction.
//   - [Imported] with [Import] brings over what another system collected.
//   - [Ledger.CheckBatch] answers for a whole campaign.
//   - [GPC], [Ledger.RecordGPC], [GPCHandler] and [GooglePurposes] are signals.
//   - [Ledger.Receipt] gives the person a record that they can have checked;
//     [Ledger.History] gives everything, to the person or to a court.
//   - [Ledger.Link] lets what an anonymous device has said count for an account.
//   - [Ledger.Erase] erases content at once and keeps the proof for a period.
//
// What happens later needs three drivers: [Ledger.Run] or [Ledger.Sweep], a queue
// that calls [Ledger.Do], see [WithEnqueuer], and a [Notifier] that writes to
// people. A vault destroys keys for [WithShredder] so:
//
//	consent.WithShredder(func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error {
//		_, err := v.Shred(ctx, p, vault.Target{Tenant: s.Tenant, SubjectID: s.ID, Compartments: cs})
//		return err
//	})
//
// A retention keeper, see [WithDisposer], is asked before content, proof or a request
// is destroyed, and mints its permit for [PermitFor] of what it is asked about. What it
// forbids stays whole: an erasure fails with its error, and sweeps ask again every
// hour.
//
// # What it does not promise
//
// The ledger shows that somebody said something, not who it was: double opt-in
// shows that who holds an address confirmed, and nothing about anything else. It
// does not judge whether a text informs, whether consent is freely given, or which
// lawful basis is right. The age limits that are shipped are data with sources,
// and no legal advice.
//
// Pseudonyms and keyed hashes are personal data. Ids of forms, purposes, notices,
// controls and processors are stored in the clear and must not be about people.
//
// Stored records carry a keyed hash, so who writes to the database cannot make a
// grant, nor move one to somebody else; he can delete, and put back what was there
// before: [Ledger.VerifyPerson] finds where states and events disagree, and the
// trail has the hash of every event.
//
// # Errors
//
// Sentinels; *[TermsError] for a version that is refused, *[ChoiceError] for a
// choice; those of the root package come through, troth.ErrNoActor and
// troth.ErrNotPermitted among them. Errors of store, keys, sealer and queue are
// wrapped once. No error names a person.
//
// # Concurrency
//
// A Ledger is safe for concurrent use; New starts no goroutine. Who records about a
// person holds that person's row. A no takes effect in this process when Record
// returns, even while the host's transaction is open; a yes when it is committed;
// both in every other process within the bound of [WithFeedAge], 5 seconds by
// default, or that process refuses.
//
// # Storage
//
// See [Store]; the suite is in consenttest. Keys must stay the same for the life of
// the store.
//
// # Compatibility
//
// Stored records and receipts are versioned, and stay readable: docs/formats.md
// gives their bytes. Kinds, methods, channels, reasons and lawful bases are closed
// lists, to which later versions may add.
package consent

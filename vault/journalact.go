package vault

import (
	"time"

	"github.com/trothdev/troth"
)

var (
	actReplay = &troth.Act{
		Name: "vault.replay", Version: 1,
		Doc: "After a restore keys were destroyed again that the erasure journal tells of. It names no person where the tenant's own key-encryption key failed.",
		Fields: []troth.Field{
			{Name: "erasure", Kind: troth.IDFact, Doc: "the entry of the first shredding"},
			{Name: "erased", Kind: troth.InstantFact, Doc: "when that was"},
			{Name: "scope", Kind: troth.WordFact, Doc: "compartments, subject, tenant or generation"},
			{Name: "compartments", Kind: troth.WordsFact, Optional: true, Doc: "compartments that died again"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys were destroyed now"},
			{Name: "tombstones", Kind: troth.CountFact, Doc: "how many rows name this entry as their evidence"},
			{Name: "closed", Kind: troth.WordFact, Optional: true, Doc: "subject, if the person was closed now"},
			{Name: "commitments", Kind: troth.DigestFact, Doc: "hash of the commitments of the keys destroyed now"},
		},
	}
	actReplayed = &troth.Act{
		Name: "vault.replayed", Version: 1,
		Doc: "The erasure journal was gone through to its end, after a restore.",
		Fields: []troth.Field{
			{Name: "erasures", Kind: troth.CountFact, Doc: "how many the journal tells of"},
			{Name: "missing", Kind: troth.CountFact, Doc: "how many the store did not know of"},
			{Name: "people", Kind: troth.CountFact, Doc: "how many people were erased again"},
			{Name: "tenants", Kind: troth.CountFact, Doc: "how many tenants were erased again"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys or roots were destroyed again"},
		},
	}
	actNewJournal = &troth.Act{
		Name: "vault.new-journal", Version: 1,
		Doc: "It was accepted that the erasure journal is lost: what only it knew of is lost too.",
		Fields: []troth.Field{
			{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"},
			{Name: "position", Kind: troth.CountFact, Doc: "how far the store had followed the lost one"},
		},
	}
	actBackUpKeys = &troth.Act{
		Name: "vault.back-up-keys", Version: 1,
		Doc: "A backup of the key tables was written.",
		Fields: []troth.Field{
			{Name: "backup", Kind: troth.DigestFact, Doc: "hash of the backup"},
			{Name: "cut-off", Kind: troth.InstantFact, Doc: "what was committed before is in it"},
			{Name: "roots", Kind: troth.CountFact, Doc: "how many roots of tenants"},
			{Name: "controls", Kind: troth.CountFact, Doc: "how many notes of exports, restrictions and grants"},
			{Name: "people", Kind: troth.CountFact, Doc: "how many people"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys and tombstones"},
		},
	}
	actVerifyKeys = &troth.Act{
		Name: "vault.verify-keys", Version: 1,
		Doc: "A backup of the key tables was test-opened: every key in it that lives unwraps.",
		Fields: []troth.Field{
			{Name: "backup", Kind: troth.DigestFact, Doc: "hash of the backup"},
			{Name: "cut-off", Kind: troth.InstantFact, Doc: "what was committed before is in it"},
			{Name: "roots", Kind: troth.CountFact, Doc: "how many roots were unwrapped"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys were unwrapped"},
		},
	}
	actRestoreKeys = &troth.Act{
		Name: "vault.restore-keys", Version: 1,
		Doc: "Rows of a backup of the key tables were put into the store. Dead keys stayed dead.",
		Fields: []troth.Field{
			{Name: "backup", Kind: troth.DigestFact, Doc: "hash of the backup"},
			{Name: "added", Kind: troth.CountFact, Doc: "how many rows were added"},
			{Name: "died", Kind: troth.CountFact, Doc: "how many keys lived here and are dead in the backup, and died"},
			{Name: "refused", Kind: troth.CountFact, Doc: "how many keys live in the backup and are dead here, and stayed dead"},
			{Name: "controls", Kind: troth.CountFact, Doc: "how many notes of exports, restrictions and grants were added, or brought up to date"},
			{Name: "flagged", Kind: troth.CountFact, Doc: "how many living keys were put under other restrictions"},
		},
	}
)

// replayEntry is the evidence of what was erased again.
func (r *Receipt) replayEntry(e *erasure) troth.Entry {
	facts := troth.Facts{
		"erasure":     troth.ID(e.entry.String()),
		"erased":      troth.Instant(time.UnixMicro(e.at)),
		"scope":       troth.Word(e.scope),
		"keys":        troth.Count(len(r.Keys)),
		"tombstones":  troth.Count(r.stones),
		"commitments": troth.Digest(r.digest()),
	}
	if r.closed {
		facts["closed"] = troth.Word("subject")
	}
	if died := append(r.compartments(), r.Target.Compartments...); len(died) > 0 {
		facts["compartments"] = troth.Words(died...)
	}
	return troth.Entry{Act: actReplay, Tenant: r.Target.Tenant, SubjectID: r.Target.SubjectID, Facts: facts}
}

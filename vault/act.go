package vault

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

var (
	actOpen = &troth.Act{
		Name: "vault.open", Version: 1,
		Doc: "A person opened values of one data subject. Recorded before they saw them.",
		Fields: []troth.Field{
			{Name: "compartments", Kind: troth.WordsFact, Doc: "classes of data that were opened"},
			{Name: "columns", Kind: troth.WordsFact, Doc: "table.column of the values, or the table alone where that is too long"},
			{Name: "values", Kind: troth.CountFact, Doc: "how many values"},
		},
	}
	actWindowOpen = &troth.Act{
		Name: "vault.window-open", Version: 1,
		Doc: "A service may open data of the tenant for the purpose, until the given instant. Recorded before the first value.",
		Fields: []troth.Field{
			{Name: "window", Kind: troth.IDFact, Doc: "names the window"},
			{Name: "until", Kind: troth.InstantFact, Doc: "when it ends at the latest"},
		},
	}
	actWindowSubject = &troth.Act{
		Name: "vault.window-subject", Version: 1,
		Doc: "What a service opened of one data subject in a window.",
		Fields: []troth.Field{
			{Name: "window", Kind: troth.IDFact, Doc: "names the window"},
			{Name: "compartments", Kind: troth.WordsFact, Doc: "classes of data that were opened"},
			{Name: "values", Kind: troth.CountFact, Doc: "how many values at most"},
		},
	}
	actWindowClose = &troth.Act{
		Name: "vault.window-close", Version: 1,
		Doc: "The window ended. Outcome unknown: its process died before it could tell the counts.",
		Fields: []troth.Field{
			{Name: "window", Kind: troth.IDFact, Doc: "names the window"},
			{Name: "subjects", Kind: troth.CountFact, Optional: true, Doc: "how many data subjects"},
			{Name: "values", Kind: troth.CountFact, Optional: true, Doc: "how many values at most"},
		},
	}
	actShred = &troth.Act{
		Name: "vault.shred", Version: 1,
		Doc: "Keys were destroyed: of compartments, of a data subject, or of a tenant.",
		Fields: []troth.Field{
			{Name: "scope", Kind: troth.WordFact, Doc: "compartments, subject or tenant"},
			{Name: "compartments", Kind: troth.WordsFact, Optional: true, Doc: "compartments that died"},
			{Name: "spared", Kind: troth.WordsFact, Optional: true, Doc: "compartments that live on"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys were destroyed"},
			{Name: "tombstones", Kind: troth.CountFact, Doc: "how many rows say so, those that never had a key included"},
			{Name: "closed", Kind: troth.WordFact, Optional: true, Doc: "subject, if it closed the data subject to new compartments"},
			{Name: "commitments", Kind: troth.DigestFact, Doc: "hash of the destroyed keys' commitments"},
			clearance.Ground, clearance.Permit, clearance.Policy,
			{Name: "first-epoch", Kind: troth.CountFact, Optional: true, Doc: "the first epoch under which a destroyed key lay; 0 is directly under the key-encryption key"},
			{Name: "last-epoch", Kind: troth.CountFact, Optional: true, Doc: "the last such epoch"},
		},
	}
	actRestrict = &troth.Act{
		Name: "vault.restrict", Version: 1,
		Doc: "A data subject's data was restricted (GDPR Article 18). The entry names the restriction.",
		Fields: []troth.Field{
			{Name: "except", Kind: troth.WordsFact, Optional: true, Doc: "purposes for which it opens all the same"},
			clearance.Ground,
		},
	}
	actGrant = &troth.Act{
		Name: "vault.grant", Version: 1,
		Doc: "Somebody decided that a restriction may end. The entry names the grant.",
		Fields: []troth.Field{
			{Name: "restriction", Kind: troth.IDFact, Doc: "the entry of the restriction"},
			clearance.Ground,
			{Name: "announced", Kind: troth.InstantFact, Doc: "when the data subject is told"},
		},
	}
	actLift = &troth.Act{
		Name: "vault.lift", Version: 1,
		Doc: "A restriction was lifted.",
		Fields: []troth.Field{
			{Name: "restriction", Kind: troth.IDFact, Doc: "the entry of the restriction"},
			{Name: "grant", Kind: troth.IDFact, Doc: "the entry of the grant"},
			{Name: "announced", Kind: troth.InstantFact, Doc: "when the data subject was told"},
		},
	}
	actUnmanaged = clearance.Unmanaged("vault.unmanaged", "A vault was opened that shreds without a retention keeper.")
)

// Acts are the acts whose evidence the vault records.
func Acts() []*troth.Act {
	acts := []*troth.Act{
		actOpen, actWindowOpen, actWindowSubject, actWindowClose, actShred,
		actRestrict, actGrant, actLift, actUnmanaged,
		actEpochOpen, actRotate, actEpochClose, actEpochEnd,
		actReplay, actReplayed, actNewJournal, actBackUpKeys, actVerifyKeys, actRestoreKeys,
	}
	return append(acts, keyActs...)
}

// self acts when the vault does something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.vault"}

func (v *Vault) record(ctx context.Context, e troth.Entry) error {
	if _, err := v.rec.Record(ctx, e); err != nil {
		return fmt.Errorf("vault: record %s: %w", e.Act.Name, err)
	}
	return nil
}

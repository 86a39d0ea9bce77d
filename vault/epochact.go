package vault

import "github.com/trothdev/troth"

var (
	actEpochOpen = &troth.Act{
		Name: "vault.epoch-open", Version: 1,
		Doc: "An epoch was opened: new roots lie under its key.",
		Fields: []troth.Field{
			{Name: "epoch", Kind: troth.CountFact, Doc: "its number"},
			{Name: "place", Kind: troth.WordFact, Doc: "where its key lies"},
		},
	}
	actRotate = &troth.Act{
		Name: "vault.rotate", Version: 1,
		Doc: "All of a tenant's keys lie under an epoch now, and under no lower one.",
		Fields: []troth.Field{
			{Name: "epoch", Kind: troth.CountFact, Doc: "its number"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys were moved"},
		},
	}
	actEpochClose = &troth.Act{
		Name: "vault.epoch-close", Version: 1,
		Doc: "An epoch was closed: nothing lies under its key, and nothing can come under it.",
		Fields: []troth.Field{
			{Name: "epoch", Kind: troth.CountFact, Doc: "its number"},
		},
	}
	actEpochEnd = &troth.Act{
		Name: "vault.epoch-end", Version: 1,
		Doc: "The key of an epoch was destroyed, or is about to be.",
		Fields: []troth.Field{
			{Name: "epoch", Kind: troth.CountFact, Doc: "its number"},
			{Name: "place", Kind: troth.WordFact, Doc: "where its key lay"},
			{Name: "state", Kind: troth.WordFact, Doc: "destroyed, or pending while it can be taken back"},
			{Name: "final", Kind: troth.InstantFact, Doc: "when it was known to be gone, or will be gone"},
			{Name: "backup", Kind: troth.WordFact, Doc: "tested, or none where the host keeps no key backups"},
			{Name: "ground", Kind: troth.WordFact, Optional: true, Doc: "why there is none, in the host's words"},
		},
	}
)

package audit

import "github.com/trothdev/troth"

// Acts of the log about itself. None of them can be redacted.
var (
	actLogOpen = &troth.Act{
		Name:    "audit.log-open",
		Version: 1,
		Doc:     "A log began; the first entry of each. One that goes on after a restore pins the last checkpoint known outside.",
		Fields: []troth.Field{
			{Name: "origin", Kind: troth.WordFact, Doc: "name of the log"},
			{Name: "salt", Kind: troth.DigestFact, Doc: "commitment to the salt that blinds tenants"},
			{Name: "previous", Kind: troth.WordFact, Optional: true, Doc: "name of the log before"},
			{Name: "size", Kind: troth.CountFact, Optional: true, Doc: "size of the pinned checkpoint"},
			{Name: "root", Kind: troth.DigestFact, Optional: true, Doc: "root hash of the pinned checkpoint"},
			{Name: "kept-size", Kind: troth.CountFact, Optional: true, Doc: "size of the log before as it is stored"},
			{Name: "kept-root", Kind: troth.DigestFact, Optional: true, Doc: "its root hash as it is stored"},
		},
	}
	actRotate = &troth.Act{
		Name:    "audit.key-rotate",
		Version: 1,
		Doc:     "Another key signs the log from the next checkpoint on. The last one under the key before covers this entry.",
		Fields: []troth.Field{
			{Name: "from", Kind: troth.DigestFact, Doc: "SHA-256 of the verifier key before"},
			{Name: "to", Kind: troth.DigestFact, Doc: "SHA-256 of the verifier key after"},
		},
	}
	actQuarantine = &troth.Act{
		Name:    "audit.quarantine",
		Version: 1,
		Doc:     "Rows of the inbox were taken aside: changed, forged or put back by somebody who can write to the database.",
		Fields: []troth.Field{
			{Name: "rows", Kind: troth.CountFact, Doc: "how many rows"},
		},
	}
)

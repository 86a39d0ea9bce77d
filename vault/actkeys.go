package vault

import "github.com/trothdev/troth"

var (
	actRenew = &troth.Act{
		Name: "vault.renew", Version: 1,
		Doc: "New generations of keys began: of one data subject, or of several of the tenant.",
		Fields: []troth.Field{
			{Name: "compartments", Kind: troth.WordsFact, Doc: "compartments whose keys were renewed"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many generations began"},
			{Name: "commitments", Kind: troth.DigestFact, Doc: "hash of the new keys' commitments"},
		},
	}
	actReencrypt = &troth.Act{
		Name: "vault.reencrypt", Version: 1,
		Doc: "Values of old generations of keys were opened and sealed anew in their place.",
		Fields: []troth.Field{
			{Name: "values", Kind: troth.CountFact, Doc: "how many values were written back"},
		},
	}
	actRetire = &troth.Act{
		Name: "vault.retire", Version: 1,
		Doc: "One old generation of a key was destroyed while the compartment lives on.",
		Fields: []troth.Field{
			{Name: "compartments", Kind: troth.WordsFact, Doc: "the compartment"},
			{Name: "generation", Kind: troth.CountFact, Doc: "which generation"},
			{Name: "commitments", Kind: troth.DigestFact, Doc: "hash of the destroyed key's commitment"},
			{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"},
			{Name: "permit", Kind: troth.WordFact, Doc: "managed, or unmanaged where no keeper checked"},
			{Name: "policy", Kind: troth.DigestFact, Optional: true, Doc: "hash of the policy that allowed it"},
		},
	}
	actMove = &troth.Act{
		Name: "vault.move", Version: 1,
		Doc: "A tenant's roots were wrapped anew by another key-encryption key. A key that is not named is the platform's.",
		Fields: []troth.Field{
			{Name: "roots", Kind: troth.CountFact, Doc: "how many roots"},
			{Name: "from", Kind: troth.DigestFact, Optional: true, Doc: "SHA-256 of the name of the tenant's key before"},
			{Name: "to", Kind: troth.DigestFact, Optional: true, Doc: "SHA-256 of the name of the tenant's key after"},
		},
	}
	actExport = &troth.Act{
		Name: "vault.export", Version: 1,
		Doc: "Keys were given away as a Tink keyset. Recorded before they were. Shredding does not reach them there.",
		Fields: []troth.Field{
			{Name: "scope", Kind: troth.WordFact, Doc: "compartments, subject or tenant"},
			{Name: "compartments", Kind: troth.WordsFact, Doc: "compartments whose keys left"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys"},
			{Name: "commitments", Kind: troth.DigestFact, Doc: "hash of the keys' commitments"},
			{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"},
			{Name: "keyset", Kind: troth.WordFact, Doc: "encrypted or cleartext"},
		},
	}
	actImport = &troth.Act{
		Name: "vault.import", Version: 1,
		Doc: "Keys of a Tink keyset became generations of a data subject's key.",
		Fields: []troth.Field{
			{Name: "compartments", Kind: troth.WordsFact, Doc: "the compartment"},
			{Name: "keys", Kind: troth.CountFact, Doc: "how many keys"},
			{Name: "commitments", Kind: troth.DigestFact, Doc: "hash of the keys' commitments"},
			{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"},
		},
	}
)

var keyActs = []*troth.Act{actRenew, actReencrypt, actRetire, actMove, actExport, actImport}

package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

var (
	actPublish = &troth.Act{
		Name: "consent.publish", Version: 1,
		Doc: "A version of the purpose was published.",
		Fields: []troth.Field{
			{Name: "version", Kind: troth.CountFact, Doc: "which version, from 1"},
			{Name: "basis", Kind: troth.WordFact, Doc: "lawful basis: consent, contract, legal-obligation, vital-interests, public-task, legitimate-interests"},
			{Name: "change", Kind: troth.WordFact, Doc: "new-purpose, editorial, material or new-recipient"},
			{Name: "effective", Kind: troth.InstantFact, Doc: "from when on it binds"},
			{Name: "terms", Kind: troth.DigestFact, Doc: "hash of the stored version"},
		},
	}
	actNotice = &troth.Act{
		Name: "consent.notice", Version: 1,
		Doc: "A version of a notice was published: what people are shown.",
		Fields: []troth.Field{
			{Name: "notice", Kind: troth.WordFact, Doc: "name of the notice"},
			{Name: "version", Kind: troth.CountFact, Doc: "which version, from 1"},
			{Name: "document", Kind: troth.DigestFact, Doc: "hash of the stored version, which holds the hashes of its texts"},
		},
	}
	actEvent = &troth.Act{
		Name: "consent.event", Version: 1,
		Doc: "Something was said or shown about the purpose: a notice, a grant, a refusal, a withdrawal, an objection.",
		Fields: []troth.Field{
			{Name: "kind", Kind: troth.WordFact, Doc: "what was said, of the kinds of consent events"},
			{Name: "version", Kind: troth.CountFact, Doc: "version of the purpose; 0 where none was in force"},
			{Name: "given", Kind: troth.InstantFact, Doc: "when it was said"},
			{Name: "event", Kind: troth.DigestFact, Doc: "hash of the stored event"},
		},
	}
	actLink = &troth.Act{
		Name: "consent.link", Version: 1,
		Doc: "What a device had said became the person's own.",
		Fields: []troth.Field{
			{Name: "at", Kind: troth.InstantFact, Doc: "from when on"},
			{Name: "link", Kind: troth.DigestFact, Doc: "hash of the stored link"},
		},
	}
	actTold = &troth.Act{
		Name: "consent.told", Version: 1,
		Doc: "A processor acknowledged that it was told of the person's no.",
		Fields: []troth.Field{
			{Name: "processor", Kind: troth.WordFact, Doc: "name of the processor"},
			{Name: "event", Kind: troth.DigestFact, Doc: "hash of the stored event"},
		},
	}
	actReceipt = &troth.Act{
		Name: "consent.receipt", Version: 1,
		Doc: "A receipt was issued about an event.",
		Fields: []troth.Field{
			{Name: "receipt", Kind: troth.DigestFact, Doc: "hash of the receipt without its proof"},
			{Name: "event", Kind: troth.DigestFact, Doc: "hash of the stored event"},
		},
	}
	actErase = &troth.Act{
		Name: "consent.erase", Version: 1,
		Doc: "The content of a person's consent events was destroyed. Their proof stays, under a pseudonym, until the given instant.",
		Fields: []troth.Field{
			{Name: "events", Kind: troth.CountFact, Doc: "of how many events the content is gone"},
			{Name: "person", Kind: troth.DigestFact, Doc: "hash of the pseudonym under which the proof stays"},
			{Name: "until", Kind: troth.InstantFact, Doc: "how long the proof stays"},
			{Name: "basis", Kind: troth.WordFact, Doc: "on which basis it stays, in the host's words"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actProofErase = &troth.Act{
		Name: "consent.proof-erase", Version: 1,
		Doc: "The proof of an erased person's consent was destroyed.",
		Fields: []troth.Field{
			{Name: "events", Kind: troth.CountFact, Doc: "how many events"},
			{Name: "person", Kind: troth.DigestFact, Doc: "hash of the pseudonym that they stood under, as the entry of the erasure gives it"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actRequestErase = &troth.Act{
		Name: "consent.request-erase", Version: 1,
		Doc: "A request that nobody confirmed in time was destroyed, with its events.",
		Fields: []troth.Field{
			{Name: "events", Kind: troth.CountFact, Doc: "how many events"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actUnmanaged = clearance.Unmanaged("consent.unmanaged", "A ledger was made that destroys without a retention keeper.")
)

// Acts are the acts whose evidence the ledger records.
func Acts() []*troth.Act {
	return []*troth.Act{
		actPublish, actNotice, actEvent, actLink, actTold, actReceipt, actErase, actProofErase, actRequestErase, actUnmanaged,
	}
}

// self acts when the ledger does something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.consent"}

func (l *Ledger) record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	id, err := l.rec.Record(ctx, e)
	if err != nil {
		return id, fmt.Errorf("consent: record %s: %w", e.Act.Name, err)
	}
	return id, nil
}

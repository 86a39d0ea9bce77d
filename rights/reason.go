package rights

import "slices"

// Reason is why something is refused. The list is closed: laws know no other.
type Reason string

// The reasons.
const (
	NotVerified        Reason = "not-verified"
	AgentNotAuthorised Reason = "agent-not-authorised"
	// NotIdentifiable: the data cannot be told to be theirs (GDPR Article 11(2)).
	NotIdentifiable Reason = "not-identifiable"
	// NoData: nothing is there. It needs evidence of where was looked.
	NoData              Reason = "no-data"
	ManifestlyUnfounded Reason = "manifestly-unfounded"
	Excessive           Reason = "excessive"
	AbusiveIntent       Reason = "abusive-intent"
	RepeatedTooSoon     Reason = "repeated-within-interval"
	RightsOfOthers      Reason = "rights-of-others"
	LegalObligation     Reason = "legal-obligation"
	FreeExpression      Reason = "freedom-of-expression"
	PublicHealth        Reason = "public-health"
	ArchivingResearch   Reason = "archiving-research"
	LegalClaims         Reason = "legal-claims"
	ContractRunning     Reason = "contract-still-running"
	SecurityFraud       Reason = "security-fraud"
	Privilege           Reason = "privilege"
	OutsideLaw          Reason = "outside-jurisdiction"
	NotController       Reason = "not-controller"
	MustNotBeDisclosed  Reason = "must-not-disclose-field"
)

// reasonRule is what a refusal for a reason must have.
type reasonRule struct {
	// evidence demands something that shows it; records, that it names which records it
	// is about, and not an account; review, when it is looked at again.
	evidence, records, review bool
	// cites are the laws, by how regimes begin; "" is for those that are not named.
	cites map[string]string
}

var reasonOrder = []Reason{
	NotVerified, AgentNotAuthorised, NotIdentifiable, NoData, ManifestlyUnfounded, Excessive, AbusiveIntent, RepeatedTooSoon,
	RightsOfOthers, LegalObligation, FreeExpression, PublicHealth, ArchivingResearch, LegalClaims, ContractRunning,
	SecurityFraud, Privilege, OutsideLaw, NotController, MustNotBeDisclosed,
}

var reasonRules = map[Reason]reasonRule{
	NotVerified: {cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 12(6)", "uk": "UK GDPR, Art. 12(6)", "ccpa": "11 CCR § 7060; Cal. Civ. Code § 1798.130(a)",
	}},
	AgentNotAuthorised: {cites: map[string]string{"ccpa": "11 CCR § 7063", "gdpr": "Regulation (EU) 2016/679, Art. 12(6)", "uk": "UK GDPR, Art. 12(6)"}},
	NotIdentifiable:    {evidence: true, cites: map[string]string{"gdpr": "Regulation (EU) 2016/679, Art. 11(2)", "uk": "UK GDPR, Art. 11(2)"}},
	NoData: {evidence: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 12(3)", "uk": "UK GDPR, Art. 12(3)", "ccpa": "Cal. Civ. Code § 1798.130(a)",
	}},
	ManifestlyUnfounded: {evidence: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 12(5)", "uk": "UK GDPR, Art. 12(5)", "ccpa": "Cal. Civ. Code § 1798.145(h)(3)",
	}},
	Excessive: {evidence: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 12(5)", "uk": "UK GDPR, Art. 12(5)", "ccpa": "Cal. Civ. Code § 1798.145(h)(3)",
	}},
	AbusiveIntent: {evidence: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 12(5); CJEU, C-526/24",
	}},
	RepeatedTooSoon: {cites: map[string]string{"ccpa": "Cal. Civ. Code § 1798.130(b)"}},
	RightsOfOthers: {records: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 15(4)", "uk": "UK GDPR, Art. 15(4)", "ccpa": "Cal. Civ. Code § 1798.145(k)",
	}},
	LegalObligation: {evidence: true, records: true, review: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 17(3)(b)", "uk": "UK GDPR, Art. 17(3)(b)", "ccpa": "Cal. Civ. Code § 1798.105(d)(8)",
	}},
	FreeExpression: {records: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 17(3)(a)", "uk": "UK GDPR, Art. 17(3)(a)", "ccpa": "Cal. Civ. Code § 1798.105(d)(4)",
	}},
	PublicHealth: {records: true, review: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 17(3)(c)", "uk": "UK GDPR, Art. 17(3)(c)",
	}},
	ArchivingResearch: {records: true, review: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 17(3)(d)", "uk": "UK GDPR, Art. 17(3)(d)", "ccpa": "Cal. Civ. Code § 1798.105(d)(6)",
	}},
	LegalClaims: {records: true, review: true, cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 17(3)(e)", "uk": "UK GDPR, Art. 17(3)(e)", "ccpa": "Cal. Civ. Code § 1798.145(a)",
	}},
	ContractRunning: {records: true, review: true, cites: map[string]string{"ccpa": "Cal. Civ. Code § 1798.105(d)(1)"}},
	SecurityFraud:   {evidence: true, records: true, review: true, cites: map[string]string{"ccpa": "Cal. Civ. Code § 1798.105(d)(2)"}},
	Privilege:       {records: true, cites: map[string]string{"ccpa": "Cal. Civ. Code § 1798.145(b)", "uk": "DPA 2018, Sch. 2 para. 19"}},
	OutsideLaw: {cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 3", "uk": "UK GDPR, Art. 3", "ccpa": "Cal. Civ. Code § 1798.140",
	}},
	NotController: {cites: map[string]string{
		"gdpr": "Regulation (EU) 2016/679, Art. 28(3)(e)", "uk": "UK GDPR, Art. 28(3)(e)", "ccpa": "11 CCR § 7050",
	}},
	MustNotBeDisclosed: {records: true, cites: map[string]string{"ccpa": "11 CCR § 7024(d)"}},
}

// Reasons returns every reason.
func Reasons() []Reason { return slices.Clone(reasonOrder) }

// cite is the law that a reason rests on under the first of the regimes that it is known
// for; empty if it is for the caller to say.
func (r Reason) cite(regimes []string) string {
	for _, regime := range regimes {
		if c := reasonRules[r].cites[regime]; c != "" {
			return c
		}
	}
	return ""
}

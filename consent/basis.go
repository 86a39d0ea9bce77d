package consent

// Basis is the lawful basis of processing: GDPR Article 6(1).
type Basis string

// The lawful bases, a closed list.
const (
	Consent             Basis = "consent"
	Contract            Basis = "contract"
	LegalObligation     Basis = "legal-obligation"
	VitalInterests      Basis = "vital-interests"
	PublicTask          Basis = "public-task"
	LegitimateInterests Basis = "legitimate-interests"
)

// Article is the letter of Article 6(1) that names the basis, such as "6(1)(a)";
// empty for no basis of ours.
func (b Basis) Article() string {
	switch b {
	case Consent:
		return "6(1)(a)"
	case Contract:
		return "6(1)(b)"
	case LegalObligation:
		return "6(1)(c)"
	case VitalInterests:
		return "6(1)(d)"
	case PublicTask:
		return "6(1)(e)"
	case LegitimateInterests:
		return "6(1)(f)"
	}
	return ""
}

// objectable reports whether Article 21(1) gives a right to object.
func (b Basis) objectable() bool { return b == PublicTask || b == LegitimateInterests }

// Change says what a new version of a purpose changes, and so what becomes of
// consent to the one before.
type Change string

// The classes of change, a closed list.
const (
	// NewPurpose is the first version: nobody has consented to it.
	NewPurpose Change = "new-purpose"
	// Editorial changes words and no processing: consent stays good.
	Editorial Change = "editorial"
	// Material changes what people agreed to: they are asked again, and what
	// they granted before ends when the grace is over.
	Material Change = "material"
	// NewRecipient adds recipients: who consented before is asked about these
	// alone, and stays covered for the others.
	NewRecipient Change = "new-recipient"
)

// AgeRule is what a purpose demands of a person's age.
type AgeRule string

// The age rules, a closed list.
const (
	// AnyAge asks for nothing.
	AnyAge AgeRule = "any-age"
	// DigitalConsent: a service offered directly to children. Below the age of
	// their country a guardian must give or authorise the consent (Article 8).
	DigitalConsent AgeRule = "digital-consent"
	// NotForChildren: below the age of their country, or below Terms.MinimumAge
	// if that is higher, nothing is recorded but that somebody was refused.
	NotForChildren AgeRule = "not-for-children"
)

package rights

import "slices"

// Right is what a person asks for. The list is closed; later versions may add to it.
type Right string

// The rights.
const (
	// Know: whether and what kinds of data are processed, why, and from where (GDPR
	// Article 15(1), CCPA 1798.110).
	Know Right = "know"
	// Access: a copy of the data (Article 15(3)).
	Access Right = "access"
	// Correct: what is wrong is put right (Article 16, CCPA 1798.106).
	Correct Right = "correct"
	// Erase: the data goes (Article 17, CCPA 1798.105).
	Erase Right = "erase"
	// Restrict: the data is kept and not used (Article 18).
	Restrict Right = "restrict"
	// Object: processing for a purpose ends (Article 21).
	Object Right = "object"
	// Portability: the data in a form for machines (Article 20).
	Portability Right = "portability"
	// HumanReview: a human being looks at an automated decision (Article 22(3)).
	HumanReview Right = "human-review"
	// WithdrawConsent: consent is taken back (Article 7(3)).
	WithdrawConsent Right = "withdraw-consent"
	// OptOut: no sale or sharing (CCPA 1798.120), as Global Privacy Control says it.
	OptOut Right = "opt-out"
	// LimitSensitive: sensitive data is used for what is needed and no more (CCPA
	// 1798.121).
	LimitSensitive Right = "limit-sensitive"
	// Recipients: who received the data (Articles 15(1)(c) and 19).
	Recipients Right = "recipients"
	// Complaint: something was done wrong (DPA 2018 s.164A, DPDP Rule 14).
	Complaint Right = "complaint"
	// Appeal: a request was refused and should not have been.
	Appeal Right = "appeal"
)

// Effect is what granting a right does, which decides how a request goes on.
type Effect string

// The effects.
const (
	// Discloses: the person gets data. What was disclosed cannot be taken back.
	Discloses Effect = "discloses"
	// Changes: data or its use is changed, and can be changed again.
	Changes Effect = "changes"
	// Destroys: data is gone.
	Destroys Effect = "destroys"
	// Answers: a human being decides and answers.
	Answers Effect = "answers"
)

// property is what is known of a right.
type property struct {
	effect Effect
	// ordinary and sensitive are the levels of identity that granting it needs.
	ordinary, sensitive Level
}

var rightOrder = []Right{
	Know, Access, Correct, Erase, Restrict, Object, Portability, HumanReview, WithdrawConsent, OptOut, LimitSensitive,
	Recipients, Complaint, Appeal,
}

var properties = map[Right]property{
	Know:            {Discloses, LevelReasonable, LevelReasonable},
	Access:          {Discloses, LevelHigh, LevelHigh},
	Portability:     {Discloses, LevelHigh, LevelHigh},
	Recipients:      {Discloses, LevelReasonable, LevelHigh},
	Correct:         {Changes, LevelReasonable, LevelHigh},
	Erase:           {Destroys, LevelReasonable, LevelHigh},
	Restrict:        {Changes, LevelLow, LevelReasonable},
	Object:          {Changes, LevelLow, LevelLow},
	HumanReview:     {Answers, LevelReasonable, LevelReasonable},
	WithdrawConsent: {Changes, LevelNone, LevelNone},
	OptOut:          {Changes, LevelNone, LevelNone},
	LimitSensitive:  {Changes, LevelNone, LevelNone},
	Complaint:       {Answers, LevelNone, LevelNone},
	Appeal:          {Answers, LevelNone, LevelNone},
}

// Rights returns every right.
func Rights() []Right { return slices.Clone(rightOrder) }

// Valid reports whether the right is one of [Rights].
func (r Right) Valid() bool { return properties[r].effect != "" }

// Effect is what granting the right does; empty for what is no right.
func (r Right) Effect() Effect { return properties[r].effect }

// Needs is the level of identity without which a request is not accepted. What is
// sensitive needs more (11 CCR §§7060 to 7062); opt-outs need nothing, whoever sends
// them (§7026(d), §7027(e)), and consent is taken back as easily as it was given. For
// what is no right it is the highest.
func (r Right) Needs(sensitive bool) Level {
	p, known := properties[r]
	switch {
	case !known:
		return LevelHigh
	case sensitive:
		return p.sensitive
	}
	return p.ordinary
}

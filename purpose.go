package troth

// Purpose is why personal data is processed (GDPR Article 5(1)(b)), in the
// host's own words: "order-fulfilment", "support-case". Opening data names one.
type Purpose string

// Validate returns an *[IdentifierError] unless the purpose is one to
// [MaxIdentifier] bytes of UTF-8 without control characters and does not begin
// with "~".
func (p Purpose) Validate() error { return checkName("purpose", string(p)) }

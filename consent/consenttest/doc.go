// Package consenttest has the suite that every consent.Backend must pass: one
// check for each sentence of the contract.
//
//	func TestStore(t *testing.T) {
//		consenttest.Run(t, func(t *testing.T) consenttest.Harness {
//			return consenttest.Harness{Backend: mystore.New(…)}
//		})
//	}
//
// It uses nothing but the standard library's testing. Each check gets rows of its
// own, and two tenants that nobody else uses.
package consenttest

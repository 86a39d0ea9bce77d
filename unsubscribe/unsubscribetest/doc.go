// Package unsubscribetest has the suite that every unsubscribe.Backend must pass: one
// check for each sentence of the contract.
//
//	func TestStore(t *testing.T) {
//		unsubscribetest.Run(t, func(t *testing.T) unsubscribetest.Harness {
//			return unsubscribetest.Harness{Backend: mystore.New(…)}
//		})
//	}
//
// It uses nothing but the standard library's testing. Each check gets rows of its
// own, and two tenants that nobody else uses.
package unsubscribetest

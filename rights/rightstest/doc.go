// Package rightstest has the suite that every rights.Backend must pass: one
// check for each sentence of the contract.
//
//	func TestStore(t *testing.T) {
//		rightstest.Run(t, func(t *testing.T) rightstest.Harness {
//			return rightstest.Harness{Backend: mystore.New(…)}
//		})
//	}
//
// It uses nothing but the standard library's testing. Each check gets rows of its
// own, and two tenants that nobody else uses.
package rightstest

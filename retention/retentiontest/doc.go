// Package retentiontest has the suite that every retention.Backend must pass: one
// check for each sentence of the contract.
//
//	func TestStore(t *testing.T) {
//		retentiontest.Run(t, func(t *testing.T) retentiontest.Harness {
//			return retentiontest.Harness{Backend: mystore.New(…)}
//		})
//	}
//
// It uses nothing but the standard library's testing. Each check gets rows of its
// own, and two tenants that nobody else uses.
package retentiontest

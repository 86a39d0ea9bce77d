// Package suite is what the suites of Stores (consenttest, vaulttest and their
// siblings) have in common: checks, each of which is one sentence of a contract,
// the rig on which they run, and the checks that several contracts share, of
// feeds, of walls between tenants and of the ends of transactions. Package proof
// beside it shows of a suite that it notices what it should.
//
// It uses plain testing, since programs outside of this repository run the suites
// on stores of their own.
package suite

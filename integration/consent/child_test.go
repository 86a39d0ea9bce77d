package consent_test

const childEnv = "TROTH_TEST_CONSENT_CHILD"

func runChild(string) error { return nil }

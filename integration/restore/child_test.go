package restore_test

const childEnv = "TROTH_TEST_RESTORE_CHILD"

func runChild(string) error { return nil }

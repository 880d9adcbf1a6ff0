module.exports = {
  // Coverage switches the optimizer off; OpenZeppelin's P256 is "stack too deep" without the Yul one.
  configureYulOptimizer: true,
  skipFiles: ["test", "interfaces", "access/Imports.sol", "settlement/Forwarder.sol"],
  // End-to-end tests start processes of their own, which coverage cannot see into; gas means nothing unoptimised.
  mocha: { grep: /^(?!.*@(e2e|deep|gas))/ },
  istanbulReporter: ["text-summary", "json-summary", "html"],
};

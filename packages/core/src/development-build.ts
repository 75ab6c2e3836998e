/**
 * The header tag `Distribution` of a package that was built from something else than the locked
 * sources: who builds writes it, and who publishes looks for it.
 */
export const developmentDistribution = "Cleanroom development build";
